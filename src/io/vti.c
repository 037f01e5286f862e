/* VTK XML image data (.vti): fields on a regular grid for ParaView. One file, little endian, appended raw after the XML. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/io.h"

static int64_t count_of(const sei_vti *vti, const sei_vti_array *array) {
    const int64_t more = array->at_points ? 1 : 0;
    return (vti->nx + more) * (vti->ny + more) * (vti->nz + more);
}

static size_t element_of(const sei_vti_array *array) {
    return array->bytes != NULL ? sizeof(uint8_t) : sizeof(float);
}

static sei_status check(const char *path, const sei_vti *vti) {
    size_t bytes = 0;
    sei_status status = sei_checked_bytes(vti->nx + 1, vti->ny + 1, vti->nz + 1, 9 * sizeof(float), &bytes);
    if (status == SEI_OK && (vti->nx < 1 || vti->ny < 1 || vti->nz < 1 || !(vti->spacing > 0)))
        status = sei_fail(SEI_ERR_USAGE, "a grid of %lld x %lld x %lld cells of %g, expected at least one of a positive edge",
                          (long long)vti->nx, (long long)vti->ny, (long long)vti->nz, vti->spacing);
    for (size_t n = 0; status == SEI_OK && n < vti->n_arrays; ++n) {
        const sei_vti_array *a = &vti->arrays[n];
        const bool plain = strspn(a->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(a->name);
        if (!plain || a->name[0] == 0 || a->components < 1 || a->components > 9 || (a->values == NULL) == (a->bytes == NULL))
            status = sei_fail(SEI_ERR_USAGE, "array '%s' with %d components: expected a plain name, 1 to 9 and one kind of data",
                              a->name, a->components);
    }
    return status == SEI_OK ? SEI_OK : sei_fail_context(status, "%s", path);
}

/* The arrays that stand at points, or in cells; every one begins at its own offset in the appended data. */
static sei_status describe_arrays(const sei_vti *vti, bool at_points, sei_text *text) {
    int64_t offset = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(text, "<%s>\n", at_points ? "PointData" : "CellData"));
    for (size_t n = 0; n < vti->n_arrays; ++n) {
        const sei_vti_array *a = &vti->arrays[n];
        if (a->at_points == at_points) {
            SEI_TRY(sei_text_add(
                text, "<DataArray type=\"%s\" Name=\"%s\" NumberOfComponents=\"%d\" format=\"appended\" offset=\"%lld\"/>\n",
                a->bytes != NULL ? "UInt8" : "Float32", a->name, a->components, (long long)offset));
        }
        offset += (int64_t)sizeof(uint64_t) + count_of(vti, a) * a->components * (int64_t)element_of(a);
    }
    SEI_TRY(sei_text_add(text, "</%s>\n", at_points ? "PointData" : "CellData"));
done:
    return status;
}

static sei_status describe(const sei_vti *vti, sei_text *text) {
    char o[3][32], d[32];
    sei_status status = SEI_OK;
    for (int a = 0; a < 3; ++a) sei_format_double(vti->origin[a], o[a]);
    sei_format_double(vti->spacing, d);
    SEI_TRY(sei_text_add(text,
                         "<?xml version=\"1.0\"?>\n<VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" "
                         "header_type=\"UInt64\">\n<ImageData WholeExtent=\"0 %lld 0 %lld 0 %lld\" Origin=\"%s %s %s\" "
                         "Spacing=\"%s %s %s\">\n",
                         (long long)vti->nx, (long long)vti->ny, (long long)vti->nz, o[0], o[1], o[2], d, d, d));
    SEI_TRY(sei_text_add(text, "<Piece Extent=\"0 %lld 0 %lld 0 %lld\">\n", (long long)vti->nx, (long long)vti->ny,
                         (long long)vti->nz));
    SEI_TRY(describe_arrays(vti, true, text));
    SEI_TRY(describe_arrays(vti, false, text));
    SEI_TRY(sei_text_add(text, "</Piece>\n</ImageData>\n<AppendedData encoding=\"raw\">\n_"));
done:
    return status;
}

sei_status sei_io_write_vti(const char *path, const sei_vti *vti, bool overwrite) {
    static const char end[] = "\n</AppendedData>\n</VTKFile>\n";
    sei_outfile file = {.fd = -1};
    sei_text text = {0};
    sei_status status = SEI_OK;
    SEI_TRY(check(path, vti));
    SEI_TRY(describe(vti, &text));
    SEI_TRY(sei_outfile_open(path, overwrite, &file));
    SEI_TRY(sei_outfile_write(&file, text.data, text.length));
    for (size_t n = 0; n < vti->n_arrays; ++n) {
        const sei_vti_array *a = &vti->arrays[n];
        const uint64_t bytes = (uint64_t)(count_of(vti, a) * a->components) * element_of(a);
        SEI_TRY(sei_outfile_write(&file, &bytes, sizeof bytes));
        SEI_TRY(sei_outfile_write(&file, a->bytes != NULL ? (const void *)a->bytes : (const void *)a->values, (size_t)bytes));
    }
    SEI_TRY(sei_outfile_write(&file, end, sizeof end - 1));
    SEI_TRY(sei_outfile_commit(&file));
done:
    sei_outfile_abort(&file);
    sei_text_free(&text);
    return status;
}
