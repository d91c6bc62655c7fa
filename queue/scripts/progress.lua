-- progress records a running job's progress.
-- KEYS: ctl jobs
-- MORE KEYS: the job's details
-- LIBS: record
-- ARGV: job id, fence, nonce, progress JSON
-- Returns: "ok", "stale" or "missing"
local id, fence, nonce, detail = unpack(ARGV)
local r = read(id)
if not r then return "missing" end
if r[STATE] ~= "r" or r[FENCE] ~= fence or r[NONCE] ~= nonce then return "stale" end
event(id, r, "progress", detail)
r[PROGRESS_REV] = r[REV]
redis.call("HSET", KEYS[more + 1], "progress", detail)
write(id, r)
commit()
return "ok"
