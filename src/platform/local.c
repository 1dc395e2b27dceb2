/* platform/local.c - the pointer of platform/local.h. */
#include "platform/local.h"

_Thread_local void *tally__local_pointer __attribute__((tls_model("initial-exec")));
