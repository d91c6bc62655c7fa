// Package comfyui is the connector that runs ComfyUI workflows on a stock ComfyUI server: POST /prompt, /ws, /history,
// /view, /queue, /interrupt. It needs no fork and no custom node.
//
// It is not a ComfyUI client for people: it runs one prompt per job, in API format, and collects what it leaves.
//
// # One attempt
//
//	check the workflow ─▶ connect /ws ─▶ POST /prompt ─▶ follow ─▶ GET /history/{id} ─▶ GET /view … ─▶ result
//
// The WebSocket is connected before the prompt is posted, so that no message is missed; but it is only the fast way to hear
// of progress and of the end. The truth is in /queue and /history, which are asked every few seconds, whenever the socket
// drops, and when it says that the prompt has ended. So a prompt which ends while nobody listens (all of it cached, for
// example) is noticed, and a server that was restarted, which has forgotten the prompt, is told from one that is slow: a
// prompt is in the queue's answer or in the history's, if one asks in this order.
//
// "execution_success" is sent before the history has the outputs; "executing" with node null is sent after. Neither is
// trusted: the history's entry is what counts.
//
// The prompt's id is made here and sent along, and the client id is the attempt's own, so that the prompt can be found and
// stopped even when the answer to POST /prompt was lost, and on older servers that choose the id themselves.
//
// # What answers are worth
//
// ComfyUI's JSON is Python's, with what nodes put into it: NaN, Infinity, anything. Package foreign reads of it what is needed here.
// Three ways of not answering are kept apart:
//
//	connections are refused for 10 s      service_unreachable: the server is gone
//	no answer for 2 minutes               service_unreachable: it hangs
//	answers that make no sense,           protocol: it works, but can't be understood. A prompt that goes on by the word of the
//	for 2 minutes                         WebSocket is waited for; once it has ended, 10 s do
//
// A queue that can't be read is no reason to give up: the history is asked all the same. Before an attempt is given up its prompt is
// taken out of the queue and interrupted; where the queue can't be read, the server is told so without looking.
//
// # Outputs
//
// What the history lists under "outputs" becomes the result:
//
//	objects with a "filename"     files, streamed into the blob store. Type "output", or none, first; those of type "temp" (previews)
//	                              and "input" only where the prompt left nothing else
//	texts that name a file        ("3d/x.glb" of a 3D preview) stored where there is such a file in the output folder; never of "text"
//	"text", a text or texts       data: {"text": {"<node id>": ["…"]}}
//	anything else                 data, as it is: {"data": {"<node id>": {"<key>": …}}}. Numbers that JSON doesn't have are null
//	images over the WebSocket     files, <class>_<node id>_00001.png …, where an output node at the workflow's end left no other
//
// What isn't in the result is named there, in not_collected: [{"node", "class", "key", "reason"}]. That are spare files, values of more
// than 16 MiB, files that ComfyUI doesn't give out, and output nodes that left nothing at all. A result whose data is too large for the
// queue has it in the file data.json. docs/comfyui.md says the same for those who send jobs.
//
// A file that is listed and gone, because somebody cleaned up and ComfyUI's cache didn't notice, has the cache emptied (POST /free) and
// the workflow computed anew, within the attempt.
//
// Messages and routes are those of ComfyUI's server.py and execution.py, version 0.3.64. The contract suite in comfytest runs
// against the simulated server in comfysim and against a real one; where they differ, the simulated one is wrong.
package comfyui
