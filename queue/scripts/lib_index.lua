-- The two-level index. Needs the keys: waiting chead heads aud cls classes idle.
--
--   waiting  every waiting job: "<class>:<order>:<id>", so that a class's jobs are adjacent and in order
--   chead    the head of each class with waiting jobs: "<audience>:<order>:<class>"
--   heads    audience → its lowest order as a number, except for the parked audience
--   aud      n:<audience> = its classes, p:<audience> = the profiles that serve it, least capable first,
--            s:<audience>:<profile> = 1
--   cls      a:<class> = its audience, q: = requirements JSON, t: = arrivals, s: = service times
--   classes  class → the fleet version for which it was placed
--   idle     workers waiting for a wake-up: "<profile>:<index>:<machine>/<worker>"
--
-- An order is 13 hexadecimal digits: 2 for (100 − priority), 11 for the sequence. Lower is earlier. Classes, audiences
-- and profiles are 16 hexadecimal digits, so the parts of a member are at fixed positions. Members of waiting, chead and
-- idle have score 0 and are read by lexical range; ";" follows ":" in ASCII and ends such a range. The audience PARKED holds
-- the classes that no registered worker serves.
local PARKED = "parked"

-- Creating functions costs time in each call of a script. indexing therefore creates only on demand the functions that
-- a claim rarely needs. Scripts that need them call it first.
local head, audienceHead, repair, audience, insert, remove, wake
local function indexing()
  if head then return end

  head = function(class)
    local m = redis.call("ZRANGEBYLEX", waiting, "[" .. class .. ":", "(" .. class .. ";", "LIMIT", "0", "1")[1]
    if m then return string.sub(m, 18, 30), string.sub(m, 32) end
  end

  audienceHead = function(a)
    return redis.call("ZRANGEBYLEX", chead, "[" .. a .. ":", "(" .. a .. ";", "LIMIT", "0", "1")[1]
  end

  -- repair updates heads for an audience after one of its class heads was removed or moved back.
  repair = function(a)
    if a == PARKED then return end
    local m = audienceHead(a)
    if m then
      redis.call("ZADD", heads, string.format("%d", tonumber(string.sub(m, -30, -18), 16)), a)
    else
      redis.call("ZREM", heads, a)
    end
  end

  -- audience returns the class's audience. A class that isn't in the index, because it was collected meanwhile, is
  -- parked until the next remap.
  audience = function(class)
    local a = redis.call("HGET", cls, "a:" .. class)
    if not a then
      a = PARKED
      redis.call("HSET", cls, "a:" .. class, a)
      redis.call("ZADD", classes, "0", class)
    end
    return a
  end

  -- insert adds a job to the index and returns its class's audience.
  insert = function(class, order, id)
    local old = head(class)
    local a = audience(class)
    redis.call("ZADD", waiting, "0", class .. ":" .. order .. ":" .. id)
    if not old or order < old then
      if old then redis.call("ZREM", chead, a .. ":" .. old .. ":" .. class) end
      redis.call("ZADD", chead, "0", a .. ":" .. order .. ":" .. class)
      if a ~= PARKED then redis.call("ZADD", heads, "LT", string.format("%d", tonumber(order, 16)), a) end
    end
    return a
  end

  -- remove removes a job from the index and reports whether it was there.
  remove = function(class, order, id)
    if redis.call("ZREM", waiting, class .. ":" .. order .. ":" .. id) == 0 then return false end
    local first = head(class)
    if not first or first > order then
      local a = audience(class)
      redis.call("ZREM", chead, a .. ":" .. order .. ":" .. class)
      if first then redis.call("ZADD", chead, "0", a .. ":" .. first .. ":" .. class) end
      repair(a)
    end
    return true
  end

  -- wake removes one worker that can serve the audience from idle and returns it: of the least capable profile, with
  -- the lowest index, and not on the machine except. The calling client pushes the token to the worker's own list.
  wake = function(a, except)
    if a == PARKED or redis.call("ZCARD", idle) == 0 then return nil end
    for p in string.gmatch(redis.call("HGET", aud, "p:" .. a) or "", "%x+") do
      for _, m in ipairs(redis.call("ZRANGEBYLEX", idle, "[" .. p .. ":", "(" .. p .. ";", "LIMIT", "0", except and 4 or 1)) do
        local worker = string.sub(m, 25)
        if not except or string.sub(worker, 1, #except + 1) ~= except .. "/" then
          redis.call("ZREM", idle, m)
          return worker
        end
      end
    end
  end
end
