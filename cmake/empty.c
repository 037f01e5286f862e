/* A library needs one object even while tests/support is empty. */
extern int sei_empty;
int sei_empty;
