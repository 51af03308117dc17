"""What the live figures of the chapters start from: data that a page carries, made as the book is built."""
