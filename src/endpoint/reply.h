/* reply.h - answers: headers, status, and a result's bytes, compressed and streamed. */
#ifndef SLUICE_ENDPOINT_REPLY_H
#define SLUICE_ENDPOINT_REPLY_H

#include "endpoint/request.h"

#include <microhttpd.h>

typedef struct Reply Reply; /* the answer of a query while it is being sent */

enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status, const char *text);
enum MHD_Result reply_options(struct MHD_Connection *connection, unsigned status);
/* Answers a request that has ended. *reply is set while rows are still to be sent; it borrows `request`, and must be
 * freed before it. */
enum MHD_Result reply_query(Reply **reply, struct MHD_Connection *connection, Engine *engine, Request *request,
                            const char *spool_dir);
void reply_free(Reply *reply);

#endif
