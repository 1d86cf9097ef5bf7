#include "pipe/exchange.h"

ExchangeStep exchange_next(const ExchangeSituation *situation)
{
    if (situation->under_way)
        return EXCHANGE_WAIT;
    if (!situation->inserts_gone)
        return EXCHANGE_KILL;
    if (!situation->noted)
        return EXCHANGE_NOTE;
    if (!situation->looked)
        return EXCHANGE_LOOK;
    if (situation->done)
        return EXCHANGE_TAKE_PLACE;
    return situation->stands ? EXCHANGE_SWAP : EXCHANGE_RENAME;
}
