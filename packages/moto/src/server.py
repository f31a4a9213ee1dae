"""moto's server on a free loopback port, gone as soon as whoever started it is."""

import os
import sys
import threading

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.responses import S3Response
from moto.server import main

# AWS decides between two creators of one key; moto looks and writes in two steps that two threads may share.
creating = threading.Lock()
put_object = S3Response.put_object


def put_object_one_at_a_time(self):
    with creating:
        return put_object(self)


# moto takes a denial for connections without TLS for one of all connections; here there is only loopback.
is_action_permitted = IAMPolicyStatement.is_action_permitted


def is_action_permitted_on_loopback(self, *args, **kwargs):
    conditions = (self._statement.get("Condition") or {}).values()
    if any("aws:SecureTransport" in condition for condition in conditions):
        return PermissionResult.NEUTRAL
    return is_action_permitted(self, *args, **kwargs)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


S3Response.put_object = put_object_one_at_a_time
IAMPolicyStatement.is_action_permitted = is_action_permitted_on_loopback
threading.Thread(target=end_with_parent, daemon=True).start()
main(["-H", "127.0.0.1", "-p", "0"])
