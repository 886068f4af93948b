#include "dis_png.h"
