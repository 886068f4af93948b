#ifndef DIS_CONVOLUTION_H
#define DIS_CONVOLUTION_H
#include <stddef.h>
#endif
