/* question.h - how a command without a terminal hands its question to the screen that runs it.
 *
 * With QUESTION_VARIABLE in its environment, a command that would ask whether to do what cannot be undone ends with
 * QUESTION_EXIT instead, having done nothing: the last line on stderr is the question. It is run again with --yes once
 * that was answered.
 */
#ifndef SLUICE_BASE_QUESTION_H
#define SLUICE_BASE_QUESTION_H

#define QUESTION_VARIABLE "SLUICE_HAND_QUESTIONS_BACK"
#define QUESTION_EXIT     16

#endif
