-- Placement of classes in audiences. Needs index.
local forget, place
local function placing()
  -- forget removes one class from an audience's count, and the audience with its last class.
  forget = function(a)
    if a == PARKED or redis.call("HINCRBY", aud, "n:" .. a, -1) > 0 then return end
    for p in string.gmatch(redis.call("HGET", aud, "p:" .. a) or "", "%x+") do
      redis.call("HDEL", aud, "s:" .. a .. ":" .. p)
    end
    redis.call("HDEL", aud, "n:" .. a, "p:" .. a)
  end

  -- place puts a class, and its head if any, into an audience. It ignores a fleet version older than the class's own,
  -- so that a slow caller can't undo a newer placement.
  place = function(class, a, profiles, version)
    if tonumber(redis.call("ZSCORE", classes, class) or -1) > tonumber(version) then return end
    redis.call("ZADD", classes, version, class)
    local old = redis.call("HGET", cls, "a:" .. class)
    if old == a then return end
    redis.call("HSET", cls, "a:" .. class, a)
    if a ~= PARKED and redis.call("HINCRBY", aud, "n:" .. a, 1) == 1 then
      redis.call("HSET", aud, "p:" .. a, profiles)
      for p in string.gmatch(profiles, "%x+") do redis.call("HSET", aud, "s:" .. a .. ":" .. p, 1) end
    end
    local order = head(class)
    if order then
      if old then redis.call("ZREM", chead, old .. ":" .. order .. ":" .. class) end
      redis.call("ZADD", chead, "0", a .. ":" .. order .. ":" .. class)
      repair(a)
    end
    if old then
      repair(old)
      forget(old)
    end
  end
end
