// Package comfyui is the connector that runs ComfyUI workflows on a stock ComfyUI server: POST /prompt, /ws, /history,
// /view, /queue, /interrupt. It needs no fork and no custom node.
//
// It is not a general ComfyUI client: it runs one prompt per job, in API format, and collects its outputs.
//
// # One attempt
//
//	check the workflow ─▶ connect /ws ─▶ POST /prompt ─▶ follow ─▶ GET /history/{id} ─▶ GET /view … ─▶ result
//
// The WebSocket is connected before the prompt is posted, so that no message is missed. It is only the fast way to learn of
// progress and of the end. The authority is /queue and /history, which are read every few seconds, whenever the socket
// drops, and when a message announces the prompt's end. So a prompt that ends without a message (because all of it is
// cached, for example) is detected. A server that was restarted, and has forgotten the prompt, is distinguished from a slow
// one: a prompt is either in the queue's answer or in the history's, if they are read in this order.
//
// "execution_success" is sent before the history has the outputs, "executing" with node null after. The connector relies on
// neither, only on the history's entry.
//
// The connector chooses the prompt's id, and the client id is unique to the attempt. So the prompt can be found and stopped
// even if the answer to POST /prompt was lost, and on older servers, which choose the id themselves.
//
// # Failures to answer
//
// ComfyUI's JSON is Python's, and nodes may put anything into it, such as NaN and Infinity. Package foreign reads the parts
// that are needed. Three kinds of failure are distinguished:
//
//	connections are refused for 10 s      service_unreachable: the server is gone
//	no answer for 2 minutes               service_unreachable: it hangs
//	answers that make no sense,           protocol: it works, but its answers can't be read. As long as the WebSocket reports
//	for 2 minutes                         progress, the time doesn't count; once the prompt has ended, the limit is 10 s
//
// If the queue can't be read, the history is read all the same. Before an attempt is given up, its prompt is removed from the
// queue or interrupted; if the queue can't be read, the server is told to do both.
//
// # Outputs
//
// What the history lists under "outputs" becomes the result:
//
//	objects with a "filename"     files, streamed into the blob store. Type "output", or none, first; those of type "temp"
//	                              (previews) and "input" only if the prompt has no other outputs
//	texts that name a file        ("3d/x.glb" of a 3D preview) stored if there is such a file in the output folder; never
//	                              those under "text"
//	"text", a text or texts       data: {"text": {"<node id>": ["…"]}}
//	anything else                 data, as is: {"data": {"<node id>": {"<key>": …}}}. Numbers that JSON doesn't have are null
//	images over the WebSocket     files, <class>_<node id>_00001.png …, of output nodes at the workflow's end without other files
//
// Outputs that are not in the result are listed in its not_collected: [{"node", "class", "key", "reason"}]. These are spare
// files, values of more than 16 MiB, files that ComfyUI refuses to serve, and output nodes without outputs. Data that is too
// large for the queue is in the file data.json. docs/comfyui.md describes the same for clients that submit jobs.
//
// If a listed file is gone, because the folder was cleaned up and ComfyUI's cache doesn't know it, the cache is emptied
// (POST /free) and the workflow is computed again, within the attempt.
//
// Messages and routes are those of ComfyUI's server.py and execution.py, version 0.3.64. The contract suite in comfytest runs
// against the simulated server in comfysim and against a real one; if they differ, the simulated one is wrong.
package comfyui
