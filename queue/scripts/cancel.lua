-- cancel ends a job in any state that is not final, and notifies the machine that runs it.
-- KEYS: ctl jobs meta waiting chead heads aud cls classes idle delayed deadlines leases ended dead counts held hooks hookout
-- MORE KEYS: the job's details
-- LIBS: record index outbox ending
-- ARGV: job id, reason, prefix of the machines' cancel channels
-- Returns: "final", "missing" or {"ok", worker to wake or nothing}
ending()
local id, reason, machines = unpack(ARGV)
local r = read(id)
if not r then return "missing" end
local state = r[STATE]
local woken
if state == "k" then return { "ok" } end
if state == "w" then
  woken = unwait(id, r)
elseif state == "d" then
  redis.call("ZREM", delayed, id)
  count("d:" .. r[CLASS], -1)
elseif state == "r" then
  woken = stop(id, r)
  r[NONCE] = ""
  redis.call("PUBLISH", machines .. r[MACHINE], id)
else
  return "final"
end
redis.call("ZREM", deadlines, id)
r[REASON] = reason
close(id, r, "k", "cancelled")
if state == "r" then remember(KEYS[more + 1], r, "cancelled") end
write(id, r)
settle()
return { "ok", woken }
