"""Names that a model must not have, because files or libraries of that name mean something else already."""

from __future__ import annotations

from mcuq.graph import C_KEYWORDS

CPP_KEYWORDS = frozenset(
    "alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class co_await co_return "
    "co_yield compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export "
    "false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "reinterpret_cast requires static_assert static_cast template this thread_local throw true try typeid typename "
    "using virtual wchar_t xor xor_eq".split()
)
# Headers are found by the folders that libraries add: <time.h> would be the model's.
C_HEADERS = frozenset(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar "
    "wctype dirent fcntl pthread sched semaphore strings termios unistd".split()
)
CPP_HEADERS = frozenset(
    "algorithm any array atomic barrier bit bitset charconv chrono codecvt compare concepts condition_variable "
    "coroutine deque exception execution expected filesystem format forward_list fstream functional future generator "
    "initializer_list iomanip ios iosfwd iostream istream iterator latch list map mdspan memory memory_resource mutex "
    "numbers numeric optional ostream print queue random ranges ratio regex scoped_allocator set shared_mutex span "
    "spanstream sstream stack stacktrace stdexcept stop_token streambuf string_view strstream syncstream system_error "
    "thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector "
    "version".split()
)
WINDOWS_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))])
# Libraries of Arduino-ESP32 and components of ESP-IDF, which one in lib/ of that name would replace.
FRAMEWORKS = frozenset(
    "app_trace app_update arduino bluetooth bootloader bootloader_support bt cmock console cxx driver eeprom efuse "
    "ethernet fatfs freertos fs hal heap http_parser idf_test ieee802154 json log lwip main mbedtls mqtt newlib "
    "nvs_flash nvs_sec_provider openthread partition_table perfmon preferences protobuf_c protocomm riscv rt sd "
    "sdkconfig sdmmc soc spi spi_flash spiffs tcp_transport touch_element ulp unity update usb vfs wear_levelling "
    "webserver wifi wifi_provisioning wire wpa_supplicant xtensa".split()
)
KINDS = (
    (C_KEYWORDS | CPP_KEYWORDS, "a keyword of C or C++"),
    (C_HEADERS | CPP_HEADERS, "a header of C or C++"),
    (WINDOWS_DEVICES, "a device of Windows"),
    (FRAMEWORKS, "a library of Arduino or ESP-IDF"),
)


def reserved(name: str) -> str:
    """Return what a name means already; empty for one that is free.

    >>> reserved("time"), reserved("nul"), reserved("wake_word")
    ('a header of C or C++', 'a device of Windows', '')
    """
    if name == "mcuq" or name.startswith("mcuq_"):
        return "a name of mcuq's own"
    if name.startswith("esp_"):
        return "a library of Arduino or ESP-IDF"
    return next((what for names, what in KINDS if name in names), "")
