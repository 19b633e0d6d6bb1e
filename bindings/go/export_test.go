package confdclient

// Handles tells how many handles the library may hold.
func Handles() int64 { return handles.Load() }

// A Logger is what stands between the library's log and a hook.
type Logger struct{ *logger }

func NewLogger(hook func(LogLevel, string)) Logger { return Logger{newLogger(hook)} }

func (l Logger) Add(text string) { l.add(LevelInfo, text) }

func (l Logger) Close() { l.close() }

// Break has the client believe that the library has told of a defect.
func (c *Client) Break() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.check(17)
	c.check(17)
}

// Hold keeps everybody from calling the library, until release.
func (c *Client) Hold() (release func()) {
	c.mu.Lock()
	return c.mu.Unlock
}
