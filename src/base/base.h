/* base.h - the face of src/base: the little that libraries lack. Used by all, knows nothing of databases. */
#ifndef SLUICE_BASE_BASE_H
#define SLUICE_BASE_BASE_H

#include "base/backoff.h"
#include "base/budget.h"
#include "base/cancel.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/nearest.h"
#include "base/printable.h"
#include "base/queue.h"
#include "base/url.h"

#endif
