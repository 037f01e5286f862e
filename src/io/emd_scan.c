/* Finding the arrays of an EMD file: a bounded walk over its groups that follows nothing out of the file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "io/emd.h"

/* What makes an object itself: its address. */
typedef struct object_key {
#if H5_VERSION_GE(1, 12, 0)
    H5O_token_t token;
#else
    haddr_t address;
#endif
} object_key;

typedef struct walk {
    const sei_h5_in *in;
    sei_emd_contents *contents;
    object_key above[SEI_EMD_DEEPEST + 1]; /* the groups on the way down: one of them below itself is a loop */
    object_key *seen;                      /* [n_seen] groups walked already */
    size_t n_seen;
    size_t links;
    int depth;
    char path[SEI_EMD_PATH];
    sei_status status;
} walk;

static bool key_of(hid_t object, object_key *key) {
    memset(key, 0, sizeof *key);
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t info;
    if (H5Oget_info3(object, &info, H5O_INFO_BASIC) < 0) return false;
    key->token = info.token;
#else
    H5O_info_t info;
    if (H5Oget_info(object, &info) < 0) return false;
    key->address = info.addr;
#endif
    return true;
}

static sei_status add_array(walk *w, const sei_emd_found *found) {
    sei_emd_contents *contents = w->contents;
    if (contents->count >= SEI_EMD_MOST_ARRAYS)
        return sei_fail(SEI_ERR_INPUT, "%s: more than %d arrays; split the file", w->in->path, SEI_EMD_MOST_ARRAYS);
    void *items = contents->items;
    const sei_status status = sei_realloc(&items, (contents->count + 1) * sizeof *contents->items);
    if (status != SEI_OK) return status;
    contents->items = items;
    contents->items[contents->count++] = *found;
    return SEI_OK;
}

/* path = group/name; SEI_ERR_INPUT when it is too long. */
static sei_status join(const sei_h5_in *in, const char *group, const char *name, char path[SEI_EMD_PATH]) {
    const int n = snprintf(path, SEI_EMD_PATH, "%s/%s", strcmp(group, "/") == 0 ? "" : group, name);
    if (n < 0 || n >= SEI_EMD_PATH) return sei_fail(SEI_ERR_INPUT, "%s: an object's name is too long: %.80s...", in->path, name);
    return SEI_OK;
}

static bool exists(const sei_h5_in *in, const char *path) {
    return H5Lexists(in->file, path, in->links) > 0;
}

static void name_after(const char *path, char *name) {
    const char *slash = strrchr(path, '/');
    snprintf(name, SEI_NAME_LENGTH, "%.*s", SEI_NAME_LENGTH - 1, slash == NULL ? path : slash + 1);
}

/* tomviz keeps further channels beside the first one, which appears among them as a soft link that bears its name. */
typedef struct scalars {
    walk *w;
    sei_emd_found *first;
    char folder[SEI_EMD_PATH];
    sei_status status;
} scalars;

static herr_t tomviz_scalar(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    scalars *s = context;
    char target[SEI_EMD_PATH] = "";
    if (++s->w->links > SEI_EMD_MOST_LINKS) return 1;
    if (info->type == H5L_TYPE_SOFT) {
        if (info->u.val_size < sizeof target && H5Lget_val(group, name, target, sizeof target, s->w->in->links) >= 0 &&
            strcmp(target, s->first->data) == 0)
            snprintf(s->first->name, sizeof s->first->name, "%.*s", SEI_NAME_LENGTH - 1, name);
        return 0;
    }
    if (info->type != H5L_TYPE_HARD) {
        s->status =
            sei_fail(SEI_ERR_INPUT, "%s: '%s/%s' links to another file; copy it into one file", s->w->in->path, s->folder, name);
        return 1;
    }
    sei_emd_found found = *s->first;
    snprintf(found.name, sizeof found.name, "%.*s", SEI_NAME_LENGTH - 1, name);
    s->status = join(s->w->in, s->folder, name, found.data);
    if (s->status == SEI_OK) s->status = add_array(s->w, &found);
    return s->status == SEI_OK ? 0 : 1;
}

/* Notes the array that a group holds, if it says that it holds one. */
static sei_status note_array(walk *w, hid_t group) {
    const sei_h5_in *in = w->in;
    char type[32] = "";
    char dim0[SEI_EMD_PATH];
    double index = 0;
    sei_emd_found found = {.index = (int64_t)w->contents->count};
    scalars more = {.w = w};
    sei_status status = SEI_OK;
    if (!sei_h5_text(group, "emd_group_type", type, sizeof type)) return SEI_OK;
    found.emd1 = strcmp(type, "array") == 0;
    if (!found.emd1 && strcmp(type, "1") != 0) return SEI_OK;
    snprintf(found.group, sizeof found.group, "%s", w->path);
    SEI_TRY(join(in, found.group, "data", found.data));
    if (!exists(in, found.data)) return SEI_OK; /* rosettasciio marks the folder above its arrays as well */
    SEI_TRY(join(in, found.group, "dim0", dim0));
    found.first_dim = exists(in, dim0) ? 0 : 1;
    if (!sei_h5_text(group, "channel", found.name, sizeof found.name)) name_after(found.group, found.name);
    if (sei_h5_number(group, "channel_index", &index) && index >= 0 && index < SEI_EMD_MOST_ARRAYS) found.index = (int64_t)index;
    SEI_TRY(add_array(w, &found));
    SEI_TRY(join(in, found.group, "tomviz_scalars", more.folder));
    if (exists(in, more.folder)) {
        const size_t at = w->contents->count - 1;
        more.first = &found;
        H5Literate_by_name(in->file, more.folder, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, tomviz_scalar, &more, in->links);
        SEI_TRY(more.status);
        w->contents->items[at] = found;
    }
done:
    return status;
}

static sei_status walk_group(walk *w, hid_t group);

/* A soft link is not followed, but one that leads round in a circle is the mark of a trap. */
static herr_t is_loop(unsigned depth, const H5E_error2_t *entry, void *found) {
    (void)depth;
    if (entry->min_num == H5E_NLINKS) *(bool *)found = true;
    return 0;
}

static sei_status check_soft_link(const sei_h5_in *in, const char *path) {
    bool loop = false;
    const hid_t object = H5Oopen(in->file, path, in->links);
    if (object >= 0) {
        H5Oclose(object);
        return SEI_OK;
    }
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, is_loop, &loop);
    H5Eclear2(H5E_DEFAULT);
    return loop ? sei_fail(SEI_ERR_INPUT, "%s: link '%s' leads round in a circle", in->path, path) : SEI_OK;
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    walk *w = context;
    sei_status status = SEI_OK;
    char before[SEI_EMD_PATH];
    hid_t object = -1;
    memcpy(before, w->path, sizeof before);
    if (++w->links > SEI_EMD_MOST_LINKS) {
        status = sei_fail(SEI_ERR_INPUT, "%s: more than %d objects; not a file of images", w->in->path, SEI_EMD_MOST_LINKS);
        goto done;
    }
    SEI_TRY(join(w->in, before, name, w->path));
    if (info->type == H5L_TYPE_SOFT) {
        status = check_soft_link(w->in, w->path);
        goto done;
    }
    if (info->type != H5L_TYPE_HARD) {
        status = sei_fail(SEI_ERR_INPUT, "%s: '%s' links to another file (external link); copy it into one file", w->in->path,
                          w->path);
        goto done;
    }
    object = H5Oopen(group, name, w->in->links);
    if (object < 0) {
        status = sei_h5_refuse(w->in, "'%s' cannot be opened", w->path);
        goto done;
    }
    if (H5Iget_type(object) == H5I_GROUP && w->depth < SEI_EMD_DEEPEST) {
        w->depth += 1;
        status = walk_group(w, object);
        w->depth -= 1;
    }
done:
    if (object >= 0) H5Oclose(object);
    memcpy(w->path, before, sizeof before);
    w->status = status;
    return status == SEI_OK ? 0 : 1;
}

static sei_status walk_group(walk *w, hid_t group) {
    object_key key;
    sei_status status = SEI_OK;
    if (!key_of(group, &key)) return sei_h5_refuse(w->in, "group '%s' cannot be read", w->path);
    for (int i = 0; i < w->depth; ++i) {
        if (memcmp(&w->above[i], &key, sizeof key) == 0)
            return sei_fail(SEI_ERR_INPUT, "%s: group '%s' contains itself", w->in->path, w->path);
    }
    w->above[w->depth] = key;
    for (size_t i = 0; i < w->n_seen; ++i) {
        if (memcmp(&w->seen[i], &key, sizeof key) == 0) return SEI_OK; /* a second name of a group that was walked */
    }
    void *seen = w->seen;
    SEI_TRY(sei_realloc(&seen, (w->n_seen + 1) * sizeof key));
    w->seen = seen;
    w->seen[w->n_seen++] = key;
    if (w->depth > 0) SEI_TRY(note_array(w, group));
    const herr_t result = H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit, w);
    SEI_TRY(w->status);
    if (result < 0) status = sei_h5_refuse(w->in, "group '%s' cannot be listed", w->path);
done:
    return status;
}

/* The text between `"key": "` and the next quote: enough for Velox's version, which is all that is wanted of that JSON. */
static void json_text(const char *json, const char *key, char *text, size_t size) {
    const char *at = strstr(json, key);
    text[0] = 0;
    if (at == NULL || (at = strchr(at + strlen(key), ':')) == NULL || (at = strchr(at, '"')) == NULL) return;
    const size_t length = strcspn(at + 1, "\"");
    snprintf(text, size, "%.*s", (int)(length < size ? length : size - 1), at + 1);
}

static herr_t velox_image(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    walk *w = context;
    sei_emd_found found = {.index = (int64_t)w->contents->count};
    (void)group;
    if (info->type != H5L_TYPE_HARD || ++w->links > SEI_EMD_MOST_LINKS) return 0;
    w->status = join(w->in, "/Data/Image", name, found.group);
    if (w->status == SEI_OK) w->status = join(w->in, found.group, "Data", found.data);
    snprintf(found.name, sizeof found.name, "image %.8s", name);
    if (w->status == SEI_OK && exists(w->in, found.data)) w->status = add_array(w, &found);
    return w->status == SEI_OK ? 0 : 1;
}

/* Two arrays of one name: the later ones get a number. */
static void make_names_unique(sei_emd_contents *contents) {
    for (size_t i = 1; i < contents->count; ++i) {
        char wanted[SEI_NAME_LENGTH];
        unsigned number = 2;
        memcpy(wanted, contents->items[i].name, sizeof wanted);
        for (size_t j = 0; j < i; ++j) {
            if (strcasecmp(contents->items[i].name, contents->items[j].name) != 0) continue;
            snprintf(contents->items[i].name, SEI_NAME_LENGTH, "%.*s_%u", SEI_NAME_LENGTH - 12, wanted, number++);
            j = (size_t)-1;
        }
    }
}

static void sort_by_index(sei_emd_contents *contents) {
    for (size_t i = 1; i < contents->count; ++i) {
        const sei_emd_found moved = contents->items[i];
        size_t at = i;
        for (; at > 0 && contents->items[at - 1].index > moved.index; --at) contents->items[at] = contents->items[at - 1];
        contents->items[at] = moved;
    }
}

sei_status sei_emd_scan(const sei_h5_in *in, sei_emd_contents *contents) {
    sei_emd_contents fresh = {0};
    char text[4096];
    walk w = {.in = in, .contents = &fresh, .path = "/"};
    sei_status status = SEI_OK;
    const hid_t root = H5Gopen2(in->file, "/", H5P_DEFAULT);
    if (root < 0) return sei_h5_refuse(in, "its root cannot be opened");
    if (sei_h5_dataset_text(in, "/Version", text, sizeof text) && strstr(text, "Velox") != NULL) {
        fresh.kind = SEI_EMD_VELOX;
        json_text(text, "\"version\"", fresh.version, sizeof fresh.version);
        if (exists(in, "/Data") && exists(in, "/Data/Image"))
            H5Literate_by_name(in->file, "/Data/Image", H5_INDEX_NAME, H5_ITER_NATIVE, NULL, velox_image, &w, in->links);
        SEI_TRY(w.status);
    } else {
        if (sei_h5_text(root, "file_format", text, sizeof text))
            snprintf(fresh.version, sizeof fresh.version, "%.*s", SEI_NAME_LENGTH - 1, text);
        SEI_TRY(walk_group(&w, root));
        sort_by_index(&fresh);
        make_names_unique(&fresh);
        fresh.kind = fresh.count > 0 ? SEI_EMD_BERKELEY : SEI_EMD_OTHER;
    }
    *contents = fresh;
    fresh = (sei_emd_contents){0};
done:
    H5Gclose(root);
    sei_free(w.seen);
    sei_emd_contents_free(&fresh);
    return status;
}

void sei_emd_contents_free(sei_emd_contents *contents) {
    sei_free(contents->items);
    *contents = (sei_emd_contents){0};
}
