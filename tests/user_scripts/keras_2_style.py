"""A script from the time of Keras 2, in its spellings; mistakes in it are found all the same."""

import numpy as np

import eagerflow as keras
from eagerflow import backend as K
from eagerflow.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from eagerflow.datasets import mnist
from eagerflow.layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    TimeDistributed,
    add,
    concatenate,
)
from eagerflow.models import Model, Sequential, load_model
from eagerflow.optimizers import SGD, Adam
from eagerflow.preprocessing.image import ImageDataGenerator
from eagerflow.regularizers import l2
from eagerflow.utils import plot_model, to_categorical

batch_size, num_classes, epochs = 128, 10, 1
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(x_train.shape[0], 28, 28, 1).astype("float32")
x_train /= 255
y_train = to_categorical(y_train, num_classes)

model = Sequential()
model.add(Conv2D(32, kernel_size=(3, 3), activation="relu", input_shape=(28, 28, 1)))
model.add(BatchNormalization(axis=-1))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(128, kernel_regularizer=l2(0.01), kernel_initializer="he_normal"))
model.add(Activation("relu"))
model.add(Dense(num_classes, activation="softmax"))
model.summary()
model.compile(loss=keras.losses.categorical_crossentropy, optimizer=Adam(learning_rate=0.001), metrics=["accuracy"])
model.compile(loss="categorical_crossentropy", optimizer=SGD(0.01, momentum=0.9, nesterov=True), metrics=["acc"])
checkpoint = ModelCheckpoint("best.h5", monitor="val_loss", verbose=1, save_best_only=True, mode="min")
stops = [checkpoint, EarlyStopping(monitor="val_loss", patience=5), ReduceLROnPlateau(factor=0.2, min_lr=1e-6)]
history = model.fit(
    x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_split=0.1, callbacks=stops
)
score = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", score[0])
print("Test accuracy:", score[1])
predictions = model.predict(x_test[:10])
print(np.argmax(predictions, axis=-1), predictions[0][3])
acc = history.history["acc"]
epochs_range = range(1, len(acc) + 1)
model.save("mnist.h5")
model.pop_layer()  # error: pop_layer
model = load_model("mnist.h5")
model.pop()

datagen = ImageDataGenerator(rotation_range=20, width_shift_range=0.1, horizontal_flip=True, rescale=1.0 / 255)
flow = datagen.flow(x_train, y_train, batch_size=32)
model.fit(flow, steps_per_epoch=len(x_train) // 32, epochs=1)
ImageDataGenerator(rotation=20)  # error: rotation

main_input = Input(shape=(100,), dtype="int32", name="main_input")
x = Embedding(output_dim=64, input_dim=10000, input_length=100)(main_input)
lstm_out = LSTM(32, dropout=0.2, recurrent_dropout=0.2)(x)
auxiliary_output = Dense(1, activation="sigmoid", name="aux_output")(lstm_out)
auxiliary_input = Input(shape=(5,), name="aux_input")
x = concatenate([lstm_out, auxiliary_input])
x = add([Dense(64)(x), Dense(64)(x)])
main_output = Dense(1, activation="sigmoid", name="main_output")(x)
whole = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
whole.compile(optimizer="rmsprop", loss="binary_crossentropy", loss_weights=[1.0, 0.2])
a, b = whole.predict([np.ones((2, 100)), np.ones((2, 5))])
Dense(64)(x, lstm_out, main_output)  # error: __call__
LSTM(32)(x, return_state=True)  # error: return_state
TimeDistributed(Dense(2))(Embedding(10, 4)(main_input))
plot_model(whole, to_file="model.png", show_shapes=True)
K.clear_session()
print(K.floatx(), K.image_data_format(), K.learning_rate)  # error: learning_rate
