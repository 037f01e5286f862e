/* Label classes as facts: how a format without a table of its own carries them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats.h"

sei_status sei_facts_add_classes(sei_facts *facts, const sei_labels *labels, const char *source) {
    char key[SEI_NAME_LENGTH];
    char value[SEI_TEXT_LENGTH + SEI_NAME_LENGTH + 32];
    sei_status status = SEI_OK;
    for (size_t i = 0; i < labels->n_classes; ++i) {
        const sei_label_class *class = &labels->classes[i];
        snprintf(key, sizeof key, "class %d", class->id);
        snprintf(value, sizeof value, "%d %d %d | %s | %s", class->rgb[0], class->rgb[1], class->rgb[2], class->name,
                 class->rule);
        SEI_TRY(sei_facts_set(facts, key, value, source));
    }
done:
    return status;
}

/* Splits "r g b | name | rule"; false when the text is of another form. */
static bool split_class(const char *value, uint8_t rgb[3], char *name, size_t name_size, const char **rule) {
    int colour[3] = {0};
    int used = 0;
    if (sscanf(value, "%d %d %d | %n", &colour[0], &colour[1], &colour[2], &used) < 3 || used == 0) return false;
    const char *from = value + used;
    const char *bar = strstr(from, " | ");
    const size_t length = bar == NULL ? strlen(from) : (size_t)(bar - from);
    for (int c = 0; c < 3; ++c) {
        if (colour[c] < 0 || colour[c] > 255) return false;
        rgb[c] = (uint8_t)colour[c];
    }
    snprintf(name, name_size, "%.*s", (int)(length < name_size ? length : name_size - 1), from);
    *rule = bar == NULL ? "" : bar + 3;
    return true;
}

sei_status sei_facts_take_classes(const sei_facts *facts, sei_labels *labels) {
    for (size_t i = 0; i < facts->count; ++i) {
        char name[SEI_NAME_LENGTH];
        const char *rule = "";
        uint8_t rgb[3];
        if (strncmp(facts->items[i].key, "class ", 6) != 0) continue;
        const long id = strtol(facts->items[i].key + 6, NULL, 10);
        if (id < 0 || id > 255 || !split_class(facts->items[i].value, rgb, name, sizeof name, &rule)) {
            return sei_fail(SEI_ERR_INPUT, "label class '%s' reads '%s', expected 'r g b | name | rule'", facts->items[i].key,
                            facts->items[i].value);
        }
        const sei_status status = sei_labels_define(labels, (uint8_t)id, name, rgb, rule);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}
