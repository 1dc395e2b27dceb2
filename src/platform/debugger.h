/* platform/debugger.h - data that debuggers read, and nobody else: it must stay in the program nevertheless. */
#ifndef TALLY_PLATFORM_DEBUGGER_H_
#define TALLY_PLATFORM_DEBUGGER_H_

/* `used` keeps it from the compiler, `retain` from the linker's --gc-sections; older compilers have only the
 * first. */
#ifdef __has_attribute
#if __has_attribute(retain)
#define TALLY__FOR_DEBUGGERS __attribute__((used, retain))
#endif
#endif
#ifndef TALLY__FOR_DEBUGGERS
#define TALLY__FOR_DEBUGGERS __attribute__((used))
#endif

#endif
