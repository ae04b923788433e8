/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUEST_LIST_H
#define DAEMON_REQUEST_LIST_H

#include "daemon/request.h"

/* LIST_BACKENDS, LIST_REGIONS, LIST_BUFFERS, LIST_CLIENTS. */
enum request_outcome request_list_backends(struct session *session,
					   const union message *request,
					   struct reply *reply);
enum request_outcome request_list_regions(struct session *session,
					  const union message *request,
					  struct reply *reply);
enum request_outcome request_list_buffers(struct session *session,
					  const union message *request,
					  struct reply *reply);
enum request_outcome request_list_clients(struct session *session,
					  const union message *request,
					  struct reply *reply);

/* DESCRIBE, OCCUPANCY. */
enum request_outcome request_describe(struct session *session,
				      const union message *request,
				      struct reply *reply);
enum request_outcome request_occupancy(struct session *session,
				       const union message *request,
				       struct reply *reply);

#endif
