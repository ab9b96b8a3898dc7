"""ESPHome's component ``mcuq``: a model that mcuq compiles, run at every update (docs/esphome.md)."""

import sys
from importlib import import_module
from pathlib import Path

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_ID, CONF_LAMBDA, CONF_MODEL, CONF_SENSORS, PLATFORM_ESP32, PLATFORM_HOST
from esphome.core import CORE, EsphomeError
from esphome.coroutine import CoroPriority, coroutine_with_priority
from esphome.helpers import mkdir_p, write_file_if_changed

from esphome.components import sensor

CODEOWNERS = []
MULTI_CONF = True
CONF_MCUQ_ID = "mcuq_id"
DOMAIN = "mcuq"
FOLDER = "mcuq_models"  # of src/; what lies in src/esphome and is no component's own, ESPHome removes
INTERFACE = 1  # see mcuq/verbs/esphome.py

mcuq_ns = cg.esphome_ns.namespace("mcuq")
Model = mcuq_ns.class_("Model", cg.PollingComponent)
InputRef = mcuq_ns.class_("Input").operator("ref")


def _mcuq():
    """Return mcuq's part of the component."""
    how = f"{sys.executable} -m pip install CHECKOUT, the repository that this component is from"
    try:
        found = import_module("mcuq.verbs.esphome")
    except ImportError as error:
        raise cv.Invalid(f"the component needs mcuq where ESPHome runs ({error}): {how}") from None
    if found.INTERFACE != INTERFACE:
        raise cv.Invalid(f"the mcuq that is installed where ESPHome runs is another than this component's: {how}")
    return found


def _opened(config):
    """Read the model, and compare its input with the sensors."""
    from_mcuq, name = _mcuq(), config[CONF_ID].id
    try:
        model = from_mcuq.read_embedded(Path(config[CONF_MODEL]), name)
    except import_module("mcuq.errors").McuqError as error:
        raise cv.Invalid(str(error), path=[CONF_MODEL]) from None
    sensors = config.get(CONF_SENSORS)
    if sensors is not None and len(sensors) != model.inputs:
        text = f"the model's input has {model.inputs} elements, {len(sensors)} sensors are given"
        raise cv.Invalid(text, path=[CONF_SENSORS])
    CORE.data.setdefault(DOMAIN, {})[name] = model
    return config


CONFIG_SCHEMA = cv.All(
    cv.only_on([str(PLATFORM_ESP32), str(PLATFORM_HOST)]),
    cv.Schema(
        {
            cv.Required(CONF_ID): cv.declare_id(Model),
            cv.Required(CONF_MODEL): cv.file_,
            cv.Optional(CONF_SENSORS): cv.ensure_list(cv.use_id(sensor.Sensor)),
            cv.Optional(CONF_LAMBDA): cv.returning_lambda,
        }
    ).extend(cv.polling_component_schema("60s")),
    cv.has_exactly_one_key(CONF_SENSORS, CONF_LAMBDA),
    _opened,
)


def model_of(config):
    """Return the model that a sensor of this component belongs to."""
    return CORE.data[DOMAIN][config[CONF_MCUQ_ID].id]


@coroutine_with_priority(CoroPriority.FINAL)
async def _write_sources():
    """Write the C of all models at once: they share kernels and an arena."""
    chip = ""
    if CORE.is_esp32:
        chip = import_module("esphome.components.esp32").get_esp32_variant().lower()
    assembly = not CORE.using_toolchain_esp_idf  # whose build takes *.c and *.cpp alone
    try:
        files = _mcuq().embedded_sources(list(CORE.data[DOMAIN].values()), chip, assembly=assembly)
    except import_module("mcuq.errors").McuqError as error:
        raise EsphomeError(f"mcuq: {error}") from None
    folder = CORE.relative_src_path(FOLDER)
    mkdir_p(folder)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        write_file_if_changed(folder / name, content.decode())


async def to_code(config):
    """Make the model, and where its input comes from; the first one writes the C of all."""
    name = config[CONF_ID].id
    if name == next(iter(CORE.data[DOMAIN])):
        CORE.add_job(_write_sources)
    cg.add_global(cg.RawStatement(f'#include "{FOLDER}/{name}_functions.h"'))
    var = cg.new_Pvariable(config[CONF_ID], cg.RawExpression(f"{name}_functions"))
    await cg.register_component(var, config)
    if CONF_LAMBDA in config:
        fill = await cg.process_lambda(config[CONF_LAMBDA], [(InputRef, "input")], return_type=cg.bool_)
        cg.add(var.set_fill(fill))
    else:
        sensors = [await cg.get_variable(sensor_id) for sensor_id in config[CONF_SENSORS]]
        cg.add(var.set_sensors(cg.ArrayInitializer(*sensors)))
