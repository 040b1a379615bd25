"""Problems that several tests are about, as a problem file has them."""

LINE = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = 0.5
b = -1
[data]
x = [0, 1, 2, 3]
y = [1, 3, 2, 5]
[training]
lr = 0.1
batch_size = 2
"""
NETWORK = """
equations = '''
h = tanh(x @ W + b)
l = mse(h @ u, y)
'''
[parameters]
W = [[0.15, -1.25], [0.7, 0.3]]
b = [0.35, -0.6]
u = [1.4, -0.5]
[data]
x = [[0.05, 0.1], [1, 2], [-1, 0], [0.3, -2], [1.7, 0.2]]
y = [0.01, 0.99, 0.5, -3, 4]
[training]
lr = 0.05
batch_size = 2
"""
