-- What the end of a job with a webhook leaves behind. Needs the keys: meta hooks hookout.
--
--   hooks    the webhook of each job that has one and has not ended: id → URL
--   hookout  the outbox, a list of ends that are not yet filed for delivery, oldest first:
--            "<id>\t<revision>\t<state>\t<ended ms>\t<class>\t<tenant>\t<URL>"
--
-- A job's HAS is at least 8 if it has a webhook; the caller checks that.

-- announce adds a job's end to the outbox. A job that the former release put back into the queue is not in hooks; its
-- submission has the URL, too.
local function announce(id, rev, state, class, tenant)
  local url = redis.call("HGET", hooks, id)
  if url then
    redis.call("HDEL", hooks, id)
  else
    url = cjson.decode(redis.call("HGET", meta, id) or "{}").w
  end
  if url then
    redis.call("RPUSH", hookout, table.concat({ id, rev, state, nowText, class, tenant, url }, "\t"))
  end
end
