#ifndef DIS_PNG_H
#define DIS_PNG_H
#include <stddef.h>
#endif
