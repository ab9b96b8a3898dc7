#include "esphome/components/mcuq/model.h"

#include <cinttypes>
#include <cmath>
#include <cstdio>

#include "esphome/core/log.h"

namespace esphome::mcuq {

static const char *const TAG = "mcuq";

void Input::set(int32_t index, float value) {
    if (index < 0 || index >= this->functions_.inputs) {
        ESP_LOGE(TAG, "The input has no element %" PRId32 ", it has %" PRId32, index, this->functions_.inputs);
        return;
    }
    this->functions_.set(index, value);
}

void Model::update() {
    if (!this->fill_input_())
        return;
    this->functions_.run();
#ifdef USE_SENSOR
    for (const auto &value : this->values_)
        value.second->publish_state(this->functions_.get(value.first));
#endif
#ifdef USE_TEXT_SENSOR
    if (!this->classes_.empty())
        this->publish_class_();
#endif
}

bool Model::fill_input_() {
    if (this->fill_ != nullptr) {
        Input input(this->functions_);
        return this->fill_(input);
    }
#ifdef USE_SENSOR
    for (auto *sensor : this->sensors_) {
        if (std::isnan(sensor->state)) {
            ESP_LOGD(TAG, "A sensor has no value yet; the model does not run");
            return false;
        }
    }
    int32_t index = 0;
    for (auto *sensor : this->sensors_)
        this->functions_.set(index++, sensor->state);
#endif
    return true;
}

#ifdef USE_TEXT_SENSOR
void Model::publish_class_() {
    int32_t found = this->functions_.outputs == 1 && this->functions_.get(0) >= this->functions_.threshold ? 1 : 0;
    for (int32_t index = 1; index < this->functions_.outputs; index++) {
        if (this->functions_.get(index) > this->functions_.get(found))
            found = index;
    }
    char number[12];
    snprintf(number, sizeof(number), "%" PRId32, found);
    const char *name = this->functions_.class_names != nullptr ? this->functions_.class_names[found] : number;
    for (auto *text : this->classes_)
        text->publish_state(name);
}
#endif

void Model::dump_config() {
    ESP_LOGCONFIG(TAG,
                  "Model:\n"
                  "  Input: %" PRId32 " elements\n"
                  "  Output: %" PRId32 " elements\n"
                  "  Arena: %" PRId32 " bytes",
                  this->functions_.inputs, this->functions_.outputs, this->functions_.arena_bytes);
    LOG_UPDATE_INTERVAL(this);
}

} // namespace esphome::mcuq
