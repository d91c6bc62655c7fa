package main

import (
	"encoding/json"
	"net/http"
)

// nodeReady says whether a Nomad has a node that takes work.
func nodeReady(address string) bool {
	resp, err := http.Get(address + "/v1/nodes")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var nodes []struct {
		Status  string
		Drivers map[string]struct{ Healthy bool }
	}
	if json.NewDecoder(resp.Body).Decode(&nodes) != nil {
		return false
	}
	for _, n := range nodes {
		if n.Status == "ready" && n.Drivers["raw_exec"].Healthy {
			return true
		}
	}
	return false
}
