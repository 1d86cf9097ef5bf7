#include "base/error.h"

/* Not G_DEFINE_QUARK, which keeps the number without a lock: threads that fail at once race for it. */
GQuark sluice_error_quark(void)
{
    return g_quark_from_static_string("sluice-error-quark");
}
