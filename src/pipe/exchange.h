/* exchange.h - what comes before a table and its twin change places, in which order (lifecycle.md, Crash safety). Pure.
 */
#ifndef SLUICE_PIPE_EXCHANGE_H
#define SLUICE_PIPE_EXCHANGE_H

#include <stdbool.h>

typedef struct {
    unsigned under_way; /* inserts that wait to be sent or for their answer: readers are to see all that was read */
    bool inserts_gone;  /* those without an answer are killed: they write into the table that they began with */
    bool noted;         /* the catalog knows by what it is told that the exchange was done */
    bool looked;        /* what stands under the name is known: */
    bool stands;        /* something does */
    bool done;          /* it is what had been the twin's */
} ExchangeSituation;

typedef enum {
    EXCHANGE_WAIT,
    EXCHANGE_KILL,
    EXCHANGE_NOTE,
    EXCHANGE_LOOK,
    EXCHANGE_SWAP,
    EXCHANGE_RENAME,
    EXCHANGE_TAKE_PLACE
} ExchangeStep;

ExchangeStep exchange_next(const ExchangeSituation *situation);

#endif
