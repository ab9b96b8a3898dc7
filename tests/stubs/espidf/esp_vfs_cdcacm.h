/* espressif/esp-idf v4.4 and v5.5 components/vfs/include/esp_vfs_cdcacm.h, and the type from esp_vfs_common.h. */
#ifndef STUB_ESP_VFS_CDCACM_H
#define STUB_ESP_VFS_CDCACM_H

typedef enum { ESP_LINE_ENDINGS_CRLF, ESP_LINE_ENDINGS_CR, ESP_LINE_ENDINGS_LF } esp_line_endings_t;

void esp_vfs_dev_cdcacm_set_rx_line_endings(esp_line_endings_t mode);
void esp_vfs_dev_cdcacm_set_tx_line_endings(esp_line_endings_t mode);

#endif
