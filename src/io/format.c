/* Which format a file is, by its first bytes; well-known others are refused by name. */
#include <string.h>

#include "core/file.h"
#include "io/formats.h"

enum { HEAD_BYTES = 1024 };

/* First bytes of files that people hand to a tomography program and that are none. */
static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} others[] = {
    {"\x1f\x8b", 2, "gzip-compressed; unpack it first: gunzip FILE"},
    {"BZh", 3, "bzip2-compressed; unpack it first: bunzip2 FILE"},
    {"\xfd\x37zXZ", 5, "xz-compressed; unpack it first: unxz FILE"},
    {"\x28\xb5\x2f\xfd", 4, "zstd-compressed; unpack it first: unzstd FILE"},
    {"PK\x03\x04", 4, "a ZIP archive; unpack it first"},
    {"\x89PNG", 4, "a PNG picture; export the data as TIFF or MRC"},
    {"\xff\xd8\xff", 3, "a JPEG picture; export the data as TIFF or MRC"},
    {"\0\0\0\x03\0\0", 6, "a DigitalMicrograph DM3 file; convert it to MRC, for example with rosettasciio"},
    {"\0\0\0\x04\0\0", 6, "a DigitalMicrograph DM4 file; convert it to MRC, for example with rosettasciio"},
    {"II\x97\x01", 4, "an FEI SER file; convert it to MRC, for example with rosettasciio"},
    {"AAMVHFSS", 8, "a Bruker BCF file; convert it to EMD, for example with rosettasciio"},
};

sei_status sei_format_of(const char *path, const sei_format **out) {
    static const sei_format *const formats[] = {&sei_format_hdf5, &sei_format_tiff, &sei_format_mrc};
    unsigned char head[HEAD_BYTES];
    size_t got = 0;
    sei_infile file = {.fd = -1};
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_infile_read_some(&file, 0, head, sizeof head, &got));
    if (got == 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: an empty file", path);
        goto done;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        if (got < others[i].length || memcmp(head, others[i].bytes, others[i].length) != 0) continue;
        if (got >= 212 && memcmp(head + 208, "MAP", 3) == 0) continue; /* a big-endian MRC three or four columns wide */
        status = sei_fail(SEI_ERR_INPUT, "%s: %s", path, others[i].what);
        goto done;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; ++i) {
        if (!formats[i]->recognise(head, got, file.size, path)) continue;
        *out = formats[i];
        goto done;
    }
    status = sei_fail(SEI_ERR_INPUT, "%s: neither MRC, TIFF nor HDF5 (EMD): its first bytes are %02x %02x %02x %02x", path,
                      head[0], got > 1 ? head[1] : 0, got > 2 ? head[2] : 0, got > 3 ? head[3] : 0);
done:
    sei_infile_close(&file);
    return status;
}
