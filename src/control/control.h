/* control.h - the face of src/control: what screens, commands and engine say to each other. Knows neither databases nor
 * screens. */
#ifndef SLUICE_CONTROL_CONTROL_H
#define SLUICE_CONTROL_CONTROL_H

#include "control/client.h"
#include "control/detail.h"
#include "control/protocol.h"
#include "control/view.h"

#endif
