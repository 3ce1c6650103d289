// The symbol that a backend's description gets: `ballast_module` in a shared object, one of its own
// as a part of the program.
#pragma once

#ifdef BALLAST_SHARED_MODULE
#define BALLAST_MODULE_SYMBOL(name) ballast_module
#else
#define BALLAST_MODULE_SYMBOL(name) ballast_##name##_module
#endif
