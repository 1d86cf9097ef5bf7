/* random.h - numbers that a seed decides, the same on every machine (splitmix64). */
#ifndef SLUICE_SIM_RANDOM_H
#define SLUICE_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline unsigned random_below(Random *random, unsigned n)
{
    return (unsigned)(random_next(random) % n);
}

static inline bool random_one_in(Random *random, unsigned n)
{
    return random_below(random, n) == 0;
}

#endif
