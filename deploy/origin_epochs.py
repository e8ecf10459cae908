"""Keeps an application from serving a tenant whose data has moved away: WSGI, `application = Epochs(application, "/var/lib/epochs")`.

The highest epoch seen of each tenant is kept beside its data (here a file a tenant; in a database one row, read and raised in the
transaction of the request itself). A request placed by a lower one is refused with 421, and the proxy sends it where it belongs.
"""
import fcntl
import os
import urllib.parse


class Epochs:
    def __init__(self, application, directory):
        self.application, self.directory = application, directory

    def __call__(self, environ, start_response):
        tenant, epoch = environ.get("HTTP_X_TENANT_ID"), int(environ.get("HTTP_X_PLACEMENT_EPOCH", 0))
        known = self.raised(tenant, epoch) if tenant else 0
        if epoch < known:
            start_response("421 Misdirected Request", [("X-Placement-Stale", str(known)), ("Content-Length", "0")])
            return [b""]
        return self.application(environ, start_response)

    def raised(self, tenant, epoch):
        with open(os.path.join(self.directory, urllib.parse.quote(tenant, safe="")), "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            known = int(file.read() or 0)
            if epoch > known:
                file.truncate(0)
                file.write(str(epoch))
                file.flush()
                os.fsync(file.fileno())
            return max(epoch, known)
