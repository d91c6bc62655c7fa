-- remap moves classes to the audiences that result from a version of the fleet.
-- KEYS: ctl jobs waiting chead heads aud cls classes idle
-- LIBS: record index place
-- ARGV: fleet version; per class 3: class, audience, its profiles
-- Returns: {worker to wake, …}: one per moved class with waiting jobs
indexing()
placing()
local wakes = {}
for i = 2, #ARGV, 3 do
  local class, a, profiles = unpack(ARGV, i, i + 2)
  local old = redis.call("HGET", cls, "a:" .. class)
  if old then
    place(class, a, profiles, ARGV[1])
    if old ~= a and head(class) then wakes[#wakes + 1] = wake(a) end
  end
end
return wakes
