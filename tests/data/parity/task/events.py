"""What a handler is given."""

import copy
import json
import os


def show(event, context):
    return f"{type(event).__name__} {event!r}"


def context_values(event, context):
    return {name: repr(value) for name, value in sorted(vars(context).items()) if not name.startswith("_")}


def context_types(event, context):
    values = {name: type(value).__name__ for name, value in sorted(vars(context).items()) if not name.startswith("_")}
    return [type(context).__name__, values]


def context_names(event, context):
    return [name for name in dir(context) if not name.startswith("_")]


def context_private_names(event, context):
    return sorted(name for name in vars(context) if name.startswith("_"))


def context_class(event, context):
    return [type(thing).__module__ for thing in (context, context.identity)]


def context_repr(event, context):
    return [str(context), repr(context), f"{context.identity}"]


def context_client(event, context):
    client = context.client_context
    if client is None:
        return None
    names = ("custom", "env", "client")
    fields = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
    values = {name: getattr(client, name) for name in names}
    values["client"] = client.client and {name: getattr(client.client, name) for name in fields}
    return [repr(client), repr(client.client), json.dumps(values), [type(value).__name__ for value in values.values()]]


def context_identity(event, context):
    identity = context.identity
    return [repr(identity), identity.cognito_identity_id, identity.cognito_identity_pool_id]


def context_identity_takes_no_other_field(event, context):
    context.identity.other = 1


def context_takes_any_field(event, context):
    context.other = 1
    return context.other


def context_is_changed(event, context):
    context.function_name = "mine"
    return repr(context)


def context_copied(event, context):
    return [repr(copy.copy(context)), repr(copy.deepcopy(context)), copy.copy(context).get_remaining_time_in_millis()]


def context_w3c(event, context):
    given = context.w3c()
    given["mine"] = "1"
    return [context.w3c(), type(given).__name__]


def context_tenant(event, context):
    return context.tenant_id


def remaining_time_after_the_deadline(event, context):
    return repr(context.get_remaining_time_in_millis())


def remaining_time_before_the_deadline(event, context):
    remaining = context.get_remaining_time_in_millis()
    return [type(remaining).__name__, 10**5 < remaining <= 10**6]


def trace(event, context):
    return os.environ.get("_X_AMZN_TRACE_ID", "absent")
