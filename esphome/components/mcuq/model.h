#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "esphome/components/mcuq/functions.h"
#include "esphome/core/component.h"
#include "esphome/core/defines.h"
#ifdef USE_SENSOR
#include "esphome/components/sensor/sensor.h"
#endif
#ifdef USE_TEXT_SENSOR
#include "esphome/components/text_sensor/text_sensor.h"
#endif

namespace esphome::mcuq {

/// What a lambda fills: the elements of a model's input, in the order of their bytes.
class Input {
  public:
    explicit Input(const Functions &functions) : functions_(functions) {
    }

    int32_t size() const {
        return this->functions_.inputs;
    }
    /// Set an element to what the model's integers can say of a real value.
    void set(int32_t index, float value);
    /// The integers themselves, for whoever has them already.
    void *data() {
        return this->functions_.input();
    }

  protected:
    const Functions &functions_;
};

/// Runs a model at every update, and publishes what it says.
class Model : public PollingComponent {
  public:
    explicit Model(const Functions &functions) : functions_(functions) {
    }

    void update() override;
    void dump_config() override;

    /// Take the input from a function, which returns whether there is one.
    void set_fill(bool (*fill)(Input &input)) {
        this->fill_ = fill;
    }
#ifdef USE_SENSOR
    /// Take the input from sensors, one for each element.
    void set_sensors(std::initializer_list<sensor::Sensor *> sensors) {
        this->sensors_ = sensors;
    }
    void add_value(int32_t index, sensor::Sensor *value) {
        this->values_.emplace_back(index, value);
    }
#endif
#ifdef USE_TEXT_SENSOR
    void add_class(text_sensor::TextSensor *found) {
        this->classes_.push_back(found);
    }
#endif

  protected:
    bool fill_input_();
#ifdef USE_TEXT_SENSOR
    void publish_class_();
#endif

    const Functions &functions_;
    bool (*fill_)(Input &input){nullptr};
#ifdef USE_SENSOR
    std::vector<sensor::Sensor *> sensors_;
    std::vector<std::pair<int32_t, sensor::Sensor *>> values_;
#endif
#ifdef USE_TEXT_SENSOR
    std::vector<text_sensor::TextSensor *> classes_;
#endif
};

} // namespace esphome::mcuq
