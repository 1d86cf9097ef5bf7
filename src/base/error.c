#include "base/error.h"

G_DEFINE_QUARK(sluice - error - quark, sluice_error)
