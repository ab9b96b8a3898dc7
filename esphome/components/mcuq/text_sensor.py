"""The class that a model finds as a text sensor: its name, or its number where it has none."""

import esphome.codegen as cg
import esphome.config_validation as cv

from esphome.components import text_sensor

from . import CONF_MCUQ_ID, Model, model_of

DEPENDENCIES = ["mcuq"]

CONFIG_SCHEMA = text_sensor.text_sensor_schema(text_sensor.TextSensor).extend(
    {cv.GenerateID(CONF_MCUQ_ID): cv.use_id(Model)}
)


def FINAL_VALIDATE_SCHEMA(config):  # noqa: N802 - ESPHome's name
    """Refuse a model whose output is no vector of classes."""
    if not model_of(config).tells_classes:
        raise cv.Invalid(
            "the model's output is no vector of classes; make sensors of its elements", path=[CONF_MCUQ_ID]
        )


async def to_code(config):
    """Make the text sensor, and let the model publish to it."""
    var = await text_sensor.new_text_sensor(config)
    model = await cg.get_variable(config[CONF_MCUQ_ID])
    cg.add(model.add_class(var))
