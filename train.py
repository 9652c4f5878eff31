from tensorflow import keras as k
