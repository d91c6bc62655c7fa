-- Shared by all scripts: job records, the clock, events. Needs the keys: ctl jobs.
--
-- ctl is the shard's own hash: seq = the last sequence number, fleet = the version of the profiles there are, w:<machine>/
-- <worker> = "<profile>\t<index>", d:<machine> = "<until ms>\t<reason>" of a drain, paused = why, limited and fair as in
-- lib_limits.lua.
--
-- A job's record is one field of the hash `jobs`: tab-separated, in the order of the names below. Times are milliseconds
-- of Redis' clock, 0 is "none". No other text in it may hold a tab (Go checks that before it gets here). HAS is a sum: 1 for
-- meta, 2 for parameters, 4 for parameters too large to be handed out by a script.
local STATE, CLASS, ORDER, CREATED, MAX_ATTEMPTS, TIMEOUT, DEADLINE, TENANT, IDEM, REV, ATTEMPTS, LOST, FENCE, NONCE,
  MACHINE, WORKER, STARTED, ENDED, READY, EXCLUDED, REASON, CLAIM_REV, PROGRESS_REV, HAS =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
local FIELDS = "^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t" ..
  "([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t" ..
  "([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$"

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function read(id)
  local text = redis.call("HGET", jobs, id)
  if not text then return nil end
  return { string.match(text, FIELDS) }
end

local function write(id, r)
  redis.call("HSET", jobs, id, table.concat(r, "\t"))
end

-- event raises the record's revision and publishes one change: revision, kind, state, time, machine, worker, JSON detail.
-- The caller writes the record afterwards.
local channel = string.sub(ctl, 1, -4) .. "ev:"
local function event(id, r, kind, detail)
  r[REV] = r[REV] + 1
  redis.call("PUBLISH", channel .. id, table.concat(
    { r[REV], kind, r[STATE], now, r[MACHINE], r[WORKER], detail or "" }, "\t"))
end
