/* One colour per signal, the same in every picture. Light enough to be read on black, apart enough to be told apart. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "seitomo/report.h"

static const struct {
    const char *element;
    uint8_t rgb[3];
} elements[] = {
    {"Si", {60, 214, 90}},   {"O", {255, 64, 56}},    {"F", {64, 132, 255}},   {"C", {255, 208, 48}},   {"P", {232, 84, 240}},
    {"Li", {190, 170, 255}}, {"N", {80, 220, 255}},   {"S", {255, 150, 40}},   {"Cl", {160, 240, 120}}, {"Na", {255, 170, 200}},
    {"Fe", {240, 110, 60}},  {"Co", {110, 150, 255}}, {"Ni", {120, 230, 190}}, {"Mn", {200, 110, 220}}, {"Al", {170, 190, 210}},
    {"Ti", {255, 190, 120}}, {"Cu", {230, 140, 90}},  {"Ge", {140, 220, 220}}, {"Pt", {235, 225, 200}}, {"Au", {255, 220, 90}},
    {"K", {200, 120, 255}},  {"Ca", {150, 255, 200}}, {"Mg", {200, 230, 90}},  {"Zn", {150, 160, 235}}, {"Sn", {210, 200, 160}}};
static const char *const detectors[] = {"HAADF", "ADF", "MAADF", "LAADF", "DF", "ABF", "BF", "DPC", "iDPC", "STEM", "image"};
static const uint8_t others[6][3] = {{86, 180, 233}, {230, 159, 0},  {0, 190, 140},
                                     {240, 228, 66}, {213, 120, 60}, {204, 121, 167}};

void sei_channel_colour(const char *name, uint8_t rgb[3]) {
    size_t letters = 0;
    while (isalpha((unsigned char)name[letters])) ++letters;
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; ++i) {
        if (strlen(elements[i].element) == letters && strncasecmp(name, elements[i].element, letters) == 0) {
            memcpy(rgb, elements[i].rgb, 3);
            return;
        }
    }
    bool grey = name[0] == 0;
    for (size_t i = 0; i < sizeof detectors / sizeof detectors[0]; ++i) {
        grey = grey || (letters > 0 && strncasecmp(name, detectors[i], letters) == 0 && strlen(detectors[i]) == letters);
    }
    if (grey) {
        memset(rgb, 255, 3);
        return;
    }
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const unsigned char *c = (const unsigned char *)name; *c != 0; ++c) hash = (hash ^ *c) * 16777619u;
    memcpy(rgb, others[hash % 6], 3);
}
