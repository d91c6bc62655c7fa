-- nextFleet raises the version of the fleet's profiles: to the time now, so that a fleet after a loss of all data has none that
-- was another's before. Needs the key ctl.
local function nextFleet(now)
  local version = math.max(now, (redis.call("HGET", ctl, "fleet") or 0) + 1)
  redis.call("HSET", ctl, "fleet", string.format("%d", version))
  return version
end
