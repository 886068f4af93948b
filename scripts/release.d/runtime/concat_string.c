#include <stddef.h>
#include <string.h>

/// Joins two strings, cuts the result or fills it with spaces: `//` of Fortran.
///
/// The routines of LAPACK call nothing else of libgfortran. Its static library would also bring its input
/// and output and libquadmath, whose licence, LGPL-2.1, requires that users can link the program again.
void _gfortran_concat_string(
    size_t length, char *result, size_t firstLength, const char *first, size_t secondLength, const char *second) {
  if (firstLength > length) firstLength = length;
  if (secondLength > length - firstLength) secondLength = length - firstLength;
  memcpy(result, first, firstLength);
  memcpy(result + firstLength, second, secondLength);
  memset(result + firstLength + secondLength, ' ', length - firstLength - secondLength);
}
