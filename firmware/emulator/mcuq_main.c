/* main() of an emulated chip: the application with the models that mcuq_models.h lists (mcuq writes that file when it
 * builds: the models' headers, and MCUQ_MODELS as `&first_model, &second_model`). */
#include "mcuq_app.h"
#include "mcuq_models.h"

int main(void) {
    static const mcuq_model *const models[] = {MCUQ_MODELS};
    mcuq_app_start(models, (int32_t)(sizeof models / sizeof models[0]));
    while (mcuq_app_poll() >= 0) {
    }
    return 0;
}
