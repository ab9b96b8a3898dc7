"""One element of a model's output as a sensor."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_OUTPUT, STATE_CLASS_MEASUREMENT

from esphome.components import sensor

from . import CONF_MCUQ_ID, Model, model_of

DEPENDENCIES = ["mcuq"]

CONFIG_SCHEMA = sensor.sensor_schema(sensor.Sensor, accuracy_decimals=3, state_class=STATE_CLASS_MEASUREMENT).extend(
    {
        cv.GenerateID(CONF_MCUQ_ID): cv.use_id(Model),
        cv.Optional(CONF_OUTPUT, default=0): cv.Any(cv.int_, cv.string_strict),
    }
)


def _index(config):
    """Return the element of the output that is meant, by its number or by the name of its class."""
    model, output = model_of(config), config[CONF_OUTPUT]
    if isinstance(output, str):
        if output not in model.classes or model.outputs < 2:
            names = ", ".join(model.classes) if model.outputs > 1 else ""
            raise cv.Invalid(f"the model has no class {output!r}; it has: {names or 'none'}", path=[CONF_OUTPUT])
        return model.classes.index(output)
    if not 0 <= output < model.outputs:
        text = f"the model's output has the elements 0 to {model.outputs - 1}; there is no {output}"
        raise cv.Invalid(text, path=[CONF_OUTPUT])
    return output


def FINAL_VALIDATE_SCHEMA(config):  # noqa: N802 - ESPHome's name
    """Refuse an element that the output does not have."""
    _index(config)


async def to_code(config):
    """Make the sensor, and let the model publish to it."""
    var = await sensor.new_sensor(config)
    model = await cg.get_variable(config[CONF_MCUQ_ID])
    cg.add(model.add_value(_index(config), var))
