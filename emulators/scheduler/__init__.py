"""Cloud Scheduler on loopback: google.cloud.scheduler.v1 over REST, cron on the market's clock.

Built: jobs (create, get, list, patch, delete, pause, resume, run) with Pub/Sub and HTTP targets,
unix-cron schedules in time zones, tokens, deadlines and retries; state in SQLite.

How it fires: a job has one scheduled execution at a time. Fires that come due while the last one is
still being tried, while the process is down, or that the market's clock jumps over become one
execution, for the latest of them; Google says that a start is delayed until the execution before it
has ended and that fires may be skipped, not which. A clock that is set back repeats nothing: a job
waits for its `scheduleTime`. Fires missed while a job is paused are not made up for. Retries,
backoff and deadlines are in real time, all timestamps of a job in the market's.

An execution is stored before it is tried and forgotten when it has ended, so a restart repeats only
what was in flight when the process died, or when it was stopped and the target took over a second.

Different from Google: `scheduleTime` is always the next fire of the schedule, never that of a
retry, and absent while a job is paused; jobs are never DISABLED or UPDATE_FAILED; a topic need not
exist when a job is created. Answered with UNIMPLEMENTED: App Engine targets and schedules in
English. Locations and gRPC are not there.

Rooms: `cron` and `timetable` tell when, `definition` and `protojson` read jobs, `store` keeps them,
`service` and `api` answer callers, `engine` fires and retries, `delivery`, `http_target` and
`pubsub_target` reach targets, `server` listens.
"""
