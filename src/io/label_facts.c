/* Label classes as facts: how a format without a table of its own carries them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats.h"

sei_status sei_facts_add_classes(sei_facts *facts, const sei_labels *labels, const char *source) {
    char key[SEI_NAME_LENGTH];
    char value[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    for (size_t i = 0; i < labels->n_classes; ++i) {
        const sei_label_class *class = &labels->classes[i];
        snprintf(key, sizeof key, "class %d", class->id);
        snprintf(value, sizeof value, "%d %d %d %s", class->rgb[0], class->rgb[1], class->rgb[2], class->name);
        SEI_TRY(sei_facts_set(facts, key, value, source));
        if (class->rule[0] == 0) continue;
        snprintf(key, sizeof key, "class %d rule", class->id);
        SEI_TRY(sei_facts_set(facts, key, class->rule, source));
    }
done:
    return status;
}

/* Splits "r g b name"; false when the text is of another form. */
static bool split_class(const char *value, uint8_t rgb[3], const char **name) {
    int colour[3] = {0};
    int used = 0;
    if (sscanf(value, "%d %d %d%n", &colour[0], &colour[1], &colour[2], &used) < 3) return false;
    for (int c = 0; c < 3; ++c) {
        if (colour[c] < 0 || colour[c] > 255) return false;
        rgb[c] = (uint8_t)colour[c];
    }
    *name = value + used + (value[used] == ' ');
    return true;
}

sei_status sei_facts_take_classes(const sei_facts *facts, sei_labels *labels) {
    for (size_t i = 0; i < facts->count; ++i) {
        char rule_key[SEI_NAME_LENGTH + 8];
        const char *name = "";
        uint8_t rgb[3];
        char *end = NULL;
        const sei_fact *fact = &facts->items[i];
        if (strncmp(fact->key, "class ", 6) != 0) continue;
        const long id = strtol(fact->key + 6, &end, 10);
        if (strcmp(end, " rule") == 0) continue;
        if (*end != 0 || id < 0 || id > 255 || !split_class(fact->value, rgb, &name))
            return sei_fail(SEI_ERR_INPUT, "label '%s' reads '%s', expected 'red green blue name'", fact->key, fact->value);
        snprintf(rule_key, sizeof rule_key, "%s rule", fact->key);
        const sei_fact *rule = sei_facts_find(facts, rule_key);
        const sei_status status = sei_labels_define(labels, (uint8_t)id, name, rgb, rule == NULL ? "" : rule->value);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}
