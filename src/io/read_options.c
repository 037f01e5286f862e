#include <math.h>

#include "seitomo/io.h"

void sei_read_options_default(sei_read_options *options) {
    *options = (sei_read_options){.pixel_nm = NAN, .axis_deg = NAN, .axis_offset_px = NAN};
}
