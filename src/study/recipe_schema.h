#ifndef SEI_STUDY_RECIPE_SCHEMA_H
#define SEI_STUDY_RECIPE_SCHEMA_H

#include "study/yaml.h"

/* Keys, defaults and ranges of a recipe (sei_recipe). */
extern const sei_yaml_spec sei_recipe_spec;

#endif
