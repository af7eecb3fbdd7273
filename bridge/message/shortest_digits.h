/*
 * shortest_digits.h
 *		The fewest decimal digits that read back as the same double: ECMAScript's choice of them.
 *		Pure.
 */
#ifndef SHORTEST_DIGITS_H
#define SHORTEST_DIGITS_H

#define SHORTEST_DIGITS_MAX 17

/*
 * Of a finite number > 0: its digits d1 d2 ... dk, neither the first nor the last of them 0, and n
 * so that number = 0.d1d2...dk * 10^n. Returns k.
 */
extern int shortest_digits(double number, char digits[SHORTEST_DIGITS_MAX + 1], int *n);

#endif /* SHORTEST_DIGITS_H */
